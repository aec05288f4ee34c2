<#
.SYNOPSIS
Reads the state of this Exchange server for `patchstand audit`. It changes nothing.
.DESCRIPTION
64-bit Windows PowerShell 5.1 or the Exchange Management Shell, on the server itself. Rights: View-Only Organization
Management, and local administrator. What is refused or fails is named in manifest.json; the rest goes on.
-Folder FOLDER  is not there yet; gets the files, and a zip lies beside it. Keep both to administrators.
-Inbox SHARE    also gets the zip, for scheduled runs; -Certificate THUMBPRINT of Cert:\LocalMachine\My signs it (CMS).
-AskFeed        asks Microsoft's mitigation feed whether it answers, as the EM service does every hour.
Left out of objects: properties named *Credential*, *Password*, *Secret*, *PrivateKey*, SerializationData. Redacted in *.config
and *.xml: passwords, connection strings, keys, encrypted sections, settings that look like a secret; comments are left out.
#>
param([Parameter(Mandatory)] [string] $Folder, [string] $Inbox, [string] $Certificate, [switch] $AskFeed)
if (-not [Environment]::Is64BitProcess -or (Test-Path -LiteralPath $Folder)) { throw 'Use the 64-bit PowerShell and a folder that is not there.' }
$failed = New-Object System.Collections.ArrayList; $me = $env:COMPUTERNAME; $exchange = "$env:ExchangeInstallPath".TrimEnd('\')
if (-not (Get-Command Get-ExchangeServer -ErrorAction SilentlyContinue)) {
    try { . "$env:ExchangeInstallPath\bin\RemoteExchange.ps1"; Connect-ExchangeServer -auto -ClientApplication:ManagementShell }
    catch { $null = $failed.Add([ordered]@{ name = 'Connect-ExchangeServer'; why = "$_" }) } }
$ErrorActionPreference = 'Stop'; $PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }
$net = "$env:windir\Microsoft.NET\Framework64\v4.0.30319"; $inetsrv = "$env:windir\System32\inetsrv"; $directory = [ADSI]'LDAP://RootDSE'
$null = New-Item -ItemType Directory -Path "$Folder\Exchange\IIS", "$Folder\OS"; $root = (Get-Item -LiteralPath $Folder).FullName
$hidden = '*Credential*', '*Password*', '*Secret*', '*PrivateKey*', 'SerializationData'
$secretName = '^(.*password|pwd|.*connectionString|validationKey|decryptionKey|sessionKey|.*secret|apiKey|CipherValue)$'
$secretWord = 'pass|pwd|secret|token|api.?key|account.?key|credential|authorization|connection.?string'
$secretValue = '(password|pwd|accountkey|sharedaccesskey|secret)\s*=|^(basic|bearer) '
function Step([string] $Name, [scriptblock] $Do) {
    try { & $Do; Write-Host "read  $Name" } catch { Write-Host "NOT   ${Name}: $_"; $null = $failed.Add([ordered]@{ name = $Name; why = "$_" }) } }
function Save([string] $Name, [int] $Depth, [scriptblock] $Read) {
    Step $Name { & $Read | Select-Object * -ExcludeProperty $hidden | Export-Clixml -LiteralPath "$root\$Name.xml" -Depth $Depth } }
function SaveMarkup([string] $Name, [string] $Source) { Step $Name {
    $xml = New-Object System.Xml.XmlDocument -Property @{ XmlResolver = $null; PreserveWhitespace = $true }; $xml.Load($Source)
    foreach ($comment in @($xml.SelectNodes('//comment()'))) { $null = $comment.ParentNode.RemoveChild($comment) }
    foreach ($node in @($xml.SelectNodes('//@* | //text()'))) {
        $own = if ($node.OwnerElement) { $node.LocalName } else { $node.ParentNode.LocalName }
        $titles = if ($own -eq 'value') { @($node.SelectNodes('../@key | ../@name | ../../@name')).Value -join ' ' }
        if ($own -match $secretName -or $node.Value -match $secretValue -or $titles -match $secretWord) { $node.Value = 'REDACTED' } }
    $xml.Save("$root\$Name") } }
foreach ($noun in -split 'OrganizationConfig AcceptedDomain AuthConfig AuthServer HybridConfiguration IrmConfiguration SettingOverride
    SendConnector TransportAgent PartnerApplication TransportConfig') { Save "Exchange\Get$noun" 2 { & "Get-$noun" } }
foreach ($noun in -split 'ExchangeServer MailboxServer TransportService') { Save "Exchange\Get$noun" 2 { & "Get-$noun" -Identity $me } }
foreach ($noun in -split 'OwaVirtualDirectory EcpVirtualDirectory WebServicesVirtualDirectory MapiVirtualDirectory OutlookAnywhere') {
    Save "Exchange\Get$noun" 2 { & "Get-$noun" -Server $me -ADPropertiesOnly } }
Save 'Exchange\GetExchangeServer_All' 2 { Get-ExchangeServer | Select-Object (-split 'Name AdminDisplayVersion ServerRole Edition Site') }
Save 'Exchange\GetExchangeCertificate' 2 { Get-ExchangeCertificate -Server $me | Select-Object (-split 'Thumbprint RawData Services Status') }
Save 'Exchange\GetExchangeDiagnosticInfo_ADTopVariantConfiguration' 2 { Get-ExchangeDiagnosticInfo -Server $me -Argument Overrides `
    -Process Microsoft.Exchange.Directory.TopologyService -Component VariantConfiguration }
Save 'Exchange\GetEngineUpdateInformation' 2 { Add-PSSnapin Microsoft.Forefront.Filtering.Management.Powershell; Get-EngineUpdateInformation }
Save 'Exchange\GetFIPFSScanEngineVersionState' 2 { [pscustomobject]@{ HighestVersionNumberDetected = Get-ChildItem -Directory `
    "$exchange\FIP-FS\Data\Engines\amd64\Microsoft\Bin" | ForEach-Object { $_.Name -as [long] } | Sort-Object | Select-Object -Last 1 } }
if ($AskFeed) { Save 'Exchange\WebRequest_getexchangemitigations' 2 {
    Invoke-WebRequest -UseBasicParsing https://officeclient.microsoft.com/GetExchangeMitigations | Select-Object StatusCode } }
# Active Directory: the schema, two of Exchange's groups, level and access list of each domain.
foreach ($class in 'ms-Exch-Storage-Group', 'ms-Exch-Schema-Version-Pt') { Save "Exchange\GetExchangeAdSchemaClass_$class" 2 {
    $entry = [ADSI]"LDAP://CN=$class,$($directory.schemaNamingContext)"; $entry.RefreshCache()
    [pscustomobject]@{ cn = "$($entry.cn)"; possSuperiors = @($entry.possSuperiors); rangeUpper = $entry.rangeUpper.Value } } }
Save 'Exchange\GetExchangeWellKnownSecurityGroups' 2 {
    foreach ($cn in 'Servers', 'Windows Permissions') { foreach ($kind in 'Security', 'Protected') {
        $at = "CN=Exchange $cn,OU=Microsoft Exchange $kind Groups,$($directory.rootDomainNamingContext)"
        if ([ADSI]::Exists("LDAP://$at")) { [pscustomobject]@{ WellKnownName = "Exchange $cn"; DistinguishedName = $at
            Sid = (New-Object System.Security.Principal.SecurityIdentifier ([ADSI]"LDAP://$at").objectSid.Value, 0).Value } } } } }
Save 'Exchange\GetExchangeDomainsAclPermissions' 6 {
    foreach ($domain in [System.DirectoryServices.ActiveDirectory.Forest]::GetCurrentForest().Domains) {
        $entry = $domain.GetDirectoryEntry(); $at = "$($entry.distinguishedName)"; $meso = "LDAP://CN=Microsoft Exchange System Objects,$at"
        if ([ADSI]::Exists($meso)) {  # else the domain was never prepared for Exchange
            $acl = [pscustomobject]@{ Sddl = $entry.psbase.ObjectSecurity.GetSecurityDescriptorSddlForm('Access') }
            [pscustomobject]@{ DomainName = $domain.Name; DomainDN = $at; Permissions = @([pscustomobject]@{ DN = $at; Acl = $acl })
                MesoObject = [pscustomobject]@{ ObjectVersion = ([ADSI]$meso).objectVersion.Value }
                DomainModeLevel = $domain.DomainModeLevel; ForestModeLevel = $domain.Forest.ForestModeLevel } } } }
# Files: settings of Exchange, IIS with every web.config of its two sites, the modules and who signed them.
foreach ($file in -split 'FIP-FS\Data\Configuration.xml bin\Monitoring\Config\Antimalware.xml bin\EdgeTransport.exe.config
    bin\Search\Ceres\Runtime\1.0\noderunner.exe.config') { SaveMarkup "Exchange\$(Split-Path $file -Leaf)" "$exchange\$file" }
SaveMarkup 'Exchange\IIS\DefaultWebSite_SharedWebConfig.config' "$exchange\FrontEnd\HttpProxy\SharedWebConfig.config"
SaveMarkup 'Exchange\IIS\ExchangeBackEnd_SharedWebConfig.config' "$exchange\ClientAccess\SharedWebConfig.config"
SaveMarkup 'Exchange\IIS\applicationHost.config' "$inetsrv\config\applicationHost.config"
$iis = New-Object System.Xml.XmlDocument; Step 'IIS' { $iis.Load("$inetsrv\config\applicationHost.config") }
foreach ($shown in $iis.SelectNodes('//site[@name="Default Web Site" or @name="Exchange Back End"]/application/virtualDirectory')) {
    $names = @($shown.ParentNode.ParentNode.GetAttribute('name'), ($shown.ParentNode.GetAttribute('path') + $shown.GetAttribute('path')))
    $file = [Environment]::ExpandEnvironmentVariables($shown.GetAttribute('physicalPath')) + '\web.config'
    if ([IO.File]::Exists($file)) { SaveMarkup "Exchange\IIS\$(@($names -replace '\W' -ne '') -join '-')_web.config" $file } }
Save 'Exchange\GetIISModules' 6 { [pscustomobject]@{ ModuleList = @(foreach ($module in $iis.DocumentElement.SelectNodes('//globalModules/add')) {
    $image = [Environment]::ExpandEnvironmentVariables($module.GetAttribute('image')); $signed = $null
    if ([IO.File]::Exists($image)) { $signed = Get-AuthenticodeSignature -LiteralPath $image }; $by = "$($signed.SignerCertificate.Subject)"
    [pscustomobject]@{ Name = $module.GetAttribute('name'); Path = $image; Signed = $by -ne ''; SignatureDetails = [pscustomobject]@{
        SignatureStatus = "$($signed.Status)"; Signer = $by; IsMicrosoftSigned = $by -match '(^|, )O=Microsoft Corporation(,|$)' } } }) } }
Save 'Exchange\IIS\GetWebBinding' 2 { Get-WebBinding | Select-Object (-split 'protocol bindingInformation sslFlags certificateHash ItemXPath') }
Save 'Exchange\IIS\GetVersionInformationCachTokn' 2 { (Get-Item "$inetsrv\cachtokn.dll").VersionInfo }
Save 'Exchange\ExSetup' 2 { (Get-Item "$exchange\bin\ExSetup.exe").VersionInfo }
Save 'OS\GetDotNetDllFileVersions' 2 { Get-Item "$net\System.Data.dll", "$net\System.Configuration.dll" | Select-Object (-split 'Name *Utc VersionInfo') }
Save 'OS\Win32_OperatingSystem' 2 { Get-CimInstance Win32_OperatingSystem | Select-Object (-split 'Caption Version BuildNumber OSLanguage') }
foreach ($noun in 'Service', 'WindowsFeature', 'SmbServerConfiguration', 'HotFix') { Save "OS\Get$noun" 1 { & "Get-$noun" } }
# The registry: of each key only the values that are named here. A key that is not there is null.
$control = 'SYSTEM\CurrentControlSet\Control'; $services = 'SYSTEM\CurrentControlSet\Services'; $ms = 'SOFTWARE\Microsoft'
$v15 = "$ms\ExchangeServer\v15"; $schannel = "$control\SecurityProviders\SCHANNEL"; $dotnet = 'Microsoft\.NETFramework\v4.0.30319'
$keys = "$control\Lsa", "$control\Lsa\FipsAlgorithmPolicy", $schannel, "$services\LanmanServer\Parameters", "$services\Tcpip\Parameters",
    $v15, "$v15\Diagnostics", "$v15\Search\SystemParameters", "$v15\Replay\Parameters", "$ms\Windows NT\CurrentVersion",
    "$ms\NET Framework Setup\NDP\v4\Full", "$ms\IIS Extensions\URL Rewrite", "SOFTWARE\$dotnet", "SOFTWARE\Wow6432Node\$dotnet",
    'SOFTWARE\Policies\Microsoft\Windows NT\RPC', 'SOFTWARE\Policies\Microsoft\SystemCertificates\AuthRoot'
foreach ($tls in '1.0', '1.1', '1.2', '1.3') { $keys += "$schannel\Protocols\TLS $tls\Client", "$schannel\Protocols\TLS $tls\Server" }
$values = -split 'Enabled DisabledByDefault SystemDefaultTlsVersions SchUseStrongCrypto Release Version UBR CurrentBuild CurrentBuildNumber
    ProductName LmCompatibilityLevel SuppressExtendedProtection DisableLoopbackCheck LsaCfgFlags KeepAliveTime MinimumConnectionTimeout
    DisableCompression AllowInsecureRenegoClients AllowInsecureRenegoServers DisableRootAutoUpdate DisableAsyncNotification EnableSerializationDataSigning
    DisableBaseTypeCheckForDeserialization EnableEccCertificateSupport CtsProcessorAffinityPercentage DisableGranularReplication'
Step 'registry.json' { $read = [ordered]@{}; foreach ($path in $keys) { $read["HKLM\$path"] = $null; if (Test-Path "HKLM:\$path") {
    $key = Get-Item "HKLM:\$path"; $read["HKLM\$path"] = $of = [ordered]@{}
    foreach ($value in $key.GetValueNames()) { if ($value -in $values) { $of[$value] = $key.GetValue($value) } } } }
    $read | ConvertTo-Json -Depth 4 | Set-Content "$root\registry.json" -Encoding UTF8 }
$files = Get-ChildItem -LiteralPath $root -Recurse -File | ForEach-Object { [ordered]@{
    size = $_.Length; sha256 = (Get-FileHash -LiteralPath $_.FullName).Hash; name = $_.FullName.Substring($root.Length + 1) -replace '\\', '/' } }
[ordered]@{ schema = 'patchstand/bundle/1'; collector = '1'; computer = $me; collected_at = [DateTime]::UtcNow.ToString('s') + 'Z'
    files = @($files); failed = $failed } | ConvertTo-Json -Depth 4 | Set-Content "$root\manifest.json" -Encoding UTF8
Compress-Archive "$root\*" "$root.zip"
if ($Certificate) { Add-Type -AssemblyName System.Security; $pkcs = 'System.Security.Cryptography.Pkcs'
    $cms = New-Object "$pkcs.SignedCms" (New-Object "$pkcs.ContentInfo" (, [IO.File]::ReadAllBytes("$root.zip"))), $true
    $signer = New-Object "$pkcs.CmsSigner" (Get-Item "Cert:\LocalMachine\My\$Certificate")
    $signer.DigestAlgorithm = '2.16.840.1.101.3.4.2.1'; $cms.ComputeSignature($signer)  # with SHA-256
    [IO.File]::WriteAllBytes("$root.zip.p7s", $cms.Encode()) }
if ($Inbox) { $name = "$me-$(Get-Date -Format yyyyMMddHHmmss).zip"; if ($Certificate) { Copy-Item "$root.zip.p7s" "$Inbox\$name.p7s" }
    Copy-Item "$root.zip" "$Inbox\$name.part"; Rename-Item "$Inbox\$name.part" $name }
Write-Host "$root.zip: $(@($files).Count) files; $($failed.Count) not read."
